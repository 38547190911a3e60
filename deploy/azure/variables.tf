variable "subscription" {
  description = "Id of the subscription in which everything is made."
  type        = string
}

variable "location" {
  description = "Location of everything."
  type        = string
  default     = "eastus"
}

variable "machine_zones" {
  description = "Availability zones of the location to try for machines, in this order; empty: any."
  type        = list(string)
  default     = []
}

variable "deployment" {
  description = "Name that tags every machine of this deployment."
  type        = string
  default     = "default"
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.deployment))
    error_message = "At most 40 lower-case letters, digits and dashes."
  }
}

variable "temporal_address" {
  description = "host:port of Temporal: Temporal Cloud's regional endpoint or a server of your own."
  type        = string
}

variable "temporal_namespace" {
  description = "Temporal namespace."
  type        = string
  default     = "ephemera"
}

variable "temporal_api_key_secret" {
  description = "Name of the secret in the key vault with the API key of Temporal Cloud; empty for a server without one."
  type        = string
  default     = ""
}

variable "deployment_secret" {
  description = "Name of the secret in the key vault with EPHEMERA_SECRET_KEY: 32 bytes or more as hex."
  type        = string
}

variable "release_url" {
  description = "https:// URL of a .tar.gz of Ephemera's checkout, with package-lock.json at its top."
  type        = string
}

variable "release_sha256" {
  description = "SHA-256 of that archive, as `sha256sum` prints it; another archive is not unpacked."
  type        = string
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.release_sha256))
    error_message = "64 lower-case hexadecimal digits."
  }
}

variable "key_vault" {
  description = "Name of a key vault with Azure role-based access control, which has deployment_secret and temporal_api_key_secret."
  type        = string
}

variable "key_vault_resource_group" {
  description = "Resource group of that key vault; another one than that of the machines."
  type        = string
}

variable "control_size" {
  description = "Size of the VM that runs API and worker."
  type        = string
  default     = "Standard_B2s_v2"
}

variable "admin_public_key" {
  description = "SSH public key of the control VM's user; nobody reaches its SSH unless admin_source_ranges says so."
  type        = string
}

variable "admin_source_ranges" {
  description = "Address ranges from which the control VM's SSH is reached."
  type        = list(string)
  default     = []
}

variable "machine_types" {
  description = "VM sizes that specs may ask for, as names or patterns."
  type        = list(string)
  default     = ["Standard_B*_v2", "Standard_D*s_v5"]
}

variable "external_ips" {
  description = "never, or allowed: whether machines may have an address on the internet."
  type        = string
  default     = "never"
  validation {
    condition     = contains(["never", "allowed"], var.external_ips)
    error_message = "Either never or allowed."
  }
}

variable "api_source_ranges" {
  description = "Address ranges whose users may reach the API; machines always may."
  type        = list(string)
  default     = []
}

variable "machine_ports" {
  description = "TCP ports of machines that users reach."
  type        = list(string)
  default     = ["8080"]
}

variable "machine_source_ranges" {
  description = "Address ranges whose users may reach machines."
  type        = list(string)
  default     = []
}
