output "api_url" {
  description = "Where machines, and whoever is in the VPC, reach the API."
  value       = "https://${digitalocean_droplet.control.ipv4_address_private}:7400"
}

output "secrets" {
  description = "What the control droplet waits for: a file each in its /etc/ephemera/secrets."
  value       = compact(concat(local.files, [var.temporal_api_key_secret]))
}

output "put_a_secret" {
  description = "How a file gets there; NAME is one of `secrets`."
  value       = "ssh root@${digitalocean_droplet.control.ipv4_address} 'umask 077 && cat > /etc/ephemera/secrets/.NAME && mv /etc/ephemera/secrets/.NAME /etc/ephemera/secrets/NAME' < NAME"
}

output "token_scopes" {
  description = "Scopes of the token that the worker has in digitalocean-token."
  value       = local.token_scopes
}

output "vpc" {
  description = "EPHEMERA_DIGITALOCEAN_VPCS: where machines are."
  value       = "${var.region}=${digitalocean_vpc.ephemera.id}"
}

output "get_certificate" {
  description = "How the certificate of the API is had, by which its callers know it."
  value       = "ssh root@${digitalocean_droplet.control.ipv4_address} cat /etc/ephemera/tls/cert.pem > ephemera.pem"
}
