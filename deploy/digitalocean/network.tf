locals {
  name = "ephemera-${var.deployment}"
}

# Machines of the deployment and the API, by private addresses.
resource "digitalocean_vpc" "ephemera" {
  name     = local.name
  region   = var.region
  ip_range = "10.60.0.0/16"
}

# The provider tags droplets with these; a firewall needs them before the first droplet is there.
resource "digitalocean_tag" "machines" {
  for_each = toset(["ephemera-sealed", "ephemera-egress"])
  name     = each.key
}

resource "digitalocean_tag" "control" {
  name = "${local.name}-control"
}

resource "digitalocean_firewall" "control" {
  name = "${local.name}-control"
  tags = [digitalocean_tag.control.name]

  inbound_rule {
    protocol         = "tcp"
    port_range       = "7400"
    source_addresses = concat([digitalocean_vpc.ephemera.ip_range], var.api_source_ranges)
  }

  inbound_rule {
    protocol         = "tcp"
    port_range       = "22"
    source_addresses = var.admin_source_ranges
  }

  outbound_rule {
    protocol              = "tcp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }

  outbound_rule {
    protocol              = "udp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}

# What droplets of both tags let in. A firewall goes by tags, which other deployments of the account use too: they get the same.
resource "digitalocean_firewall" "machines" {
  name = "${local.name}-machines"
  tags = [for tag in digitalocean_tag.machines : tag.name]

  # The worker probes readiness over HTTP and TCP.
  inbound_rule {
    protocol    = "tcp"
    port_range  = "1-65535"
    source_tags = [digitalocean_tag.control.name]
  }

  dynamic "inbound_rule" {
    for_each = length(var.machine_source_ranges) > 0 ? toset(var.machine_ports) : toset([])
    content {
      protocol         = "tcp"
      port_range       = inbound_rule.value
      source_addresses = var.machine_source_ranges
    }
  }

  # All that a machine without egress reaches; the metadata service is never filtered.
  outbound_rule {
    protocol         = "tcp"
    port_range       = "7400"
    destination_tags = [digitalocean_tag.control.name]
  }
}

# Rules of several firewalls add up.
resource "digitalocean_firewall" "egress" {
  name = "${local.name}-egress"
  tags = [digitalocean_tag.machines["ephemera-egress"].name]

  outbound_rule {
    protocol              = "tcp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }

  outbound_rule {
    protocol              = "udp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }

  outbound_rule {
    protocol              = "icmp"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}
