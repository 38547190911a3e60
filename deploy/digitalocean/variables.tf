variable "region" {
  description = "Region of everything: a VPC, by which machines reach the API, is of one region."
  type        = string
  default     = "nyc3"
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
  description = "Name of the file in /etc/ephemera/secrets with the API key of Temporal Cloud; empty for a server without one."
  type        = string
  default     = ""
}

variable "deployment_secret" {
  description = "Name of the file in /etc/ephemera/secrets with EPHEMERA_SECRET_KEY: 32 bytes or more as hex."
  type        = string
  default     = "secret-key"
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

variable "ssh_keys" {
  description = "Ids or fingerprints of SSH keys of your account: they get into the control droplet, by which you put its secrets there, and into machines."
  type        = list(string)
  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Without a key nobody could put the secrets on the control droplet."
  }
}

variable "admin_source_ranges" {
  description = "Address ranges from which the control droplet's SSH is reached."
  type        = list(string)
}

variable "control_size" {
  description = "Size of the droplet that runs API and worker."
  type        = string
  default     = "s-2vcpu-4gb"
}

variable "machine_sizes" {
  description = "Sizes that specs may ask for, as slugs or patterns."
  type        = list(string)
  default     = ["s-*"]
}

variable "external_ips" {
  description = "never, allowed or reserved: whether machines may have an address on the internet, and of which kind."
  type        = string
  default     = "never"
  validation {
    condition     = contains(["never", "allowed", "reserved"], var.external_ips)
    error_message = "Either never, allowed or reserved."
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
