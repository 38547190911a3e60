variable "api_url" {
  description = "Where the API of Ephemera answers, without a slash at its end."
  type        = string
}

variable "api_key_file" {
  description = "File with an API key of the role operator. The key itself is in no state of Terraform."
  type        = string
}

variable "api_ca_file" {
  description = "PEM file by which the API is known, where no public authority vouches for it; empty: those of the system."
  type        = string
  default     = ""
}

variable "name" {
  description = "What the VM's name begins with; what it is made from makes the rest of it."
  type        = string
}

variable "spec" {
  description = "What the VM is made from: the body of POST /v1/vms without its name."
  type        = any
}

variable "ready_seconds" {
  description = "How long a VM may take until it is ready."
  type        = number
  default     = 600
}
