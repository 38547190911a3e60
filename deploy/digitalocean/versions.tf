terraform {
  required_version = ">= 1.5"
  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = ">= 2.40, < 3.0"
    }
  }
}

# The token comes from the environment, DIGITALOCEAN_TOKEN.
provider "digitalocean" {}
