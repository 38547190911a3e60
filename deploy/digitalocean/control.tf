# Runs API and worker. It keeps nothing but the key and certificate of the API, which machines of its time trust.
resource "digitalocean_droplet" "control" {
  name              = "${local.name}-control"
  region            = var.region
  size              = var.control_size
  image             = "debian-13-x64"
  vpc_uuid          = digitalocean_vpc.ephemera.id
  ssh_keys          = var.ssh_keys
  tags              = [digitalocean_tag.control.name]
  graceful_shutdown = true

  # DigitalOcean keeps no secrets for droplets, and every program on one may read its user data. So this waits for files that you put there.
  user_data = templatefile("${path.module}/../control-plane/setup.sh.tftpl", {
    packages                = ""
    secret_functions        = templatefile("${path.module}/secrets.sh.tftpl", { needed = join(" ", compact(concat(local.files, [var.temporal_api_key_secret]))) })
    release_url             = var.release_url
    release_sha256          = var.release_sha256
    tls_secret              = "api-tls"
    certificate_secret      = "api-certificate"
    deployment_secret       = var.deployment_secret
    temporal_api_key_secret = var.temporal_api_key_secret
    settings = {
      EPHEMERA_PROVIDER                 = "digitalocean"
      EPHEMERA_DEPLOYMENT               = var.deployment
      EPHEMERA_DIGITALOCEAN_TOKEN_FILE  = "/etc/ephemera/digitalocean-token"
      EPHEMERA_DIGITALOCEAN_REGIONS     = var.region
      EPHEMERA_DIGITALOCEAN_VPCS        = "${var.region}=${digitalocean_vpc.ephemera.id}"
      EPHEMERA_DIGITALOCEAN_SSH_KEYS    = join(",", var.ssh_keys)
      EPHEMERA_DIGITALOCEAN_SIZES       = join(",", var.machine_sizes)
      EPHEMERA_DIGITALOCEAN_EXTERNAL_IP = var.external_ips
      TEMPORAL_ADDRESS                  = var.temporal_address
      TEMPORAL_NAMESPACE                = var.temporal_namespace
    }
  })

  lifecycle {
    precondition {
      condition     = startswith(var.release_url, "https://") && var.release_sha256 != ""
      error_message = "The control droplet needs release_url, the https:// URL that it fetches Ephemera from, and release_sha256."
    }
  }
}

# What the worker's token may do, and nothing more: DigitalOcean makes tokens in its control panel alone.
locals {
  files = [var.deployment_secret, "digitalocean-token"]
  token_scopes = [
    "account:read",
    "actions:read",
    "droplet:create",
    "droplet:delete",
    "droplet:read",
    "droplet:update",
    "image:read",
    "image:update",
    "regions:read",
    "reserved_ip:create",
    "reserved_ip:delete",
    "reserved_ip:read",
    "reserved_ip:update",
    "sizes:read",
    "snapshot:delete",
    "snapshot:read",
    "ssh_key:read",
    "tag:create",
    "tag:delete",
    "tag:read",
    "vpc:read",
  ]
}
