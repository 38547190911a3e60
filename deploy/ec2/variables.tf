variable "region" {
  description = "Region of everything."
  type        = string
  default     = "us-east-1"
}

variable "machine_zones" {
  description = "Zones to try for machines, in this order; the first has the control instance."
  type        = list(string)
  default     = ["us-east-1a", "us-east-1b"]
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
  description = "Name of the secret in Secrets Manager with the API key of Temporal Cloud; empty for a server without one."
  type        = string
  default     = ""
}

variable "deployment_secret" {
  description = "Name of the secret in Secrets Manager with EPHEMERA_SECRET_KEY: 32 bytes or more as hex."
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

variable "control_instance_type" {
  description = "Type of the instance that runs API and worker."
  type        = string
  default     = "t3.large"
}

variable "machine_types" {
  description = "Instance types that specs may ask for, as names or patterns."
  type        = list(string)
  default     = ["t3.*"]
}

variable "external_ips" {
  description = "never, or allowed: whether machines may have an address on the internet. Allowed: those without one reach nothing outside."
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
  type        = list(number)
  default     = [8080]
}

variable "machine_source_ranges" {
  description = "Address ranges whose users may reach machines."
  type        = list(string)
  default     = []
}
