# The word-count service on Google Cloud, in a VM that Ephemera makes there: deploy/gcp runs already, with
# external_ips = "allowed". Its public address is an output; an apply with another tag is an upgrade.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google   = { source = "hashicorp/google", version = ">= 6.0" }
    external = { source = "hashicorp/external", version = ">= 2.3" }
  }
}

provider "google" {
  project = var.project
}

locals {
  port = 8080
}

# Lets browsers in. Machines with egress have this network tag; others of the network are not opened by it.
resource "google_compute_firewall" "browsers" {
  name          = "word-count-browsers"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = var.browsers
  target_tags   = ["ephemera-egress"]
  allow {
    protocol = "tcp"
    ports    = [local.port]
  }
}

module "vm" {
  source       = "./vm"
  api_url      = var.api_url
  api_key_file = var.api_key_file
  api_ca_file  = var.api_ca_file
  name         = "word-count"
  spec = {
    template           = "cos"
    image              = "container:${var.image}:${var.tag}"
    env                = { WORD_COUNT_VERSION = var.tag }
    ports              = [{ name = "http", port = 8080 }]
    externalIp         = true
    egress             = true
    maxLifetimeSeconds = null
    idle               = { action = "none" }
  }
}

data "external" "vm" {
  program = [
    "env", "API_URL=${var.api_url}", "API_KEY_FILE=${var.api_key_file}", "API_CA_FILE=${var.api_ca_file}",
    "VM_NAME=${module.vm.name}", "sh", "${path.module}/vm/vm.sh", "address",
  ]
}
