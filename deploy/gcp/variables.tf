variable "project" {
  description = "Google Cloud project in which the control VM and all machines live."
  type        = string
}

variable "region" {
  description = "Region of the network."
  type        = string
  default     = "us-central1"
}

variable "zone" {
  description = "Zone of the control VM, and the first zone that machines are made in."
  type        = string
  default     = "us-central1-a"
}

variable "machine_zones" {
  description = "Zones to try for machines, in this order."
  type        = list(string)
  default     = ["us-central1-a", "us-central1-b"]
}

variable "deployment" {
  description = "Name that labels every machine of this deployment."
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
  description = "Secret Manager secret with the API key of Temporal Cloud; empty for a server without one."
  type        = string
  default     = ""
}

variable "deployment_secret" {
  description = "Secret Manager secret with EPHEMERA_SECRET_KEY: 32 bytes or more as hex."
  type        = string
}

variable "control_plane" {
  description = "Where API and worker run: \"vm\" (one VM) or \"cloud-run\" (a service and a worker pool)."
  type        = string
  default     = "vm"
  validation {
    condition     = contains(["vm", "cloud-run"], var.control_plane)
    error_message = "Either vm or cloud-run."
  }
}

variable "release_url" {
  description = "For control_plane vm: https:// URL of a .tar.gz of Ephemera's checkout, with package-lock.json at its top."
  type        = string
  default     = ""
}

variable "release_sha256" {
  description = "SHA-256 of that archive, as `sha256sum` prints it; another archive is not unpacked."
  type        = string
  default     = ""
  validation {
    condition     = var.release_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.release_sha256))
    error_message = "64 lower-case hexadecimal digits."
  }
}

variable "container_image" {
  description = "For control_plane cloud-run: the image of deploy/container/Dockerfile, in a registry that Cloud Run reads."
  type        = string
  default     = ""
}

variable "api_key_secret" {
  description = "Secret Manager secret with EPHEMERA_API_KEY, the first admin key; needed for cloud-run."
  type        = string
  default     = ""
}

variable "api_ingress" {
  description = "For cloud-run: who reaches the API. INGRESS_TRAFFIC_INTERNAL_ONLY is your networks, INGRESS_TRAFFIC_ALL everybody with a key."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
}

variable "api_instances" {
  description = "For cloud-run: most replicas of the API."
  type        = number
  default     = 3
}

variable "worker_instances" {
  description = "For cloud-run: workers."
  type        = number
  default     = 1
}

variable "vm_server_url" {
  description = "For control_plane vm: https:// URL of dist/vm-server.cjs that machines fetch, or none when their images have it; empty: from the API."
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "none"], var.vm_server_url) || startswith(var.vm_server_url, "https://")
    error_message = "An https:// URL, none, or empty."
  }
}

variable "control_machine_type" {
  description = "Machine type of the VM that runs API and worker."
  type        = string
  default     = "e2-standard-2"
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

variable "machine_types" {
  description = "Machine types that specs may ask for, as names or patterns."
  type        = list(string)
  default     = ["e2-*"]
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

variable "machine_source_ranges" {
  description = "Address ranges whose users may reach machines."
  type        = list(string)
  default     = []
}
