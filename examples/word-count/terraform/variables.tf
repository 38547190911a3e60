variable "project" {
  description = "Google Cloud project in which Ephemera makes machines."
  type        = string
}

variable "network" {
  description = "Network of the machines: that of deploy/gcp."
  type        = string
}

variable "api_url" {
  description = "Where the API of Ephemera answers: the output api_url of deploy/gcp."
  type        = string
}

variable "api_key_file" {
  description = "File with an API key of the role operator."
  type        = string
}

variable "api_ca_file" {
  description = "Certificate of the API, where no public authority vouches for it: the secret that deploy/gcp names."
  type        = string
  default     = ""
}

variable "image" {
  description = "The container image without its tag, in a registry that the machine may read: docker.io/team/word-count."
  type        = string
}

variable "tag" {
  description = "Tag of the image. Another one and an apply is an upgrade."
  type        = string
}

variable "browsers" {
  description = "Who may open the page: address ranges."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}
