output "api_url" {
  description = "Where machines, and whoever is in the network, reach the API."
  value       = local.on_cloud_run ? local.cloud_run_url : "http://${google_compute_address.control[0].address}:7400"
}

output "network" {
  description = "Write this as `network` of a spec or template."
  value       = google_compute_subnetwork.ephemera.id
}

output "machine_service_account" {
  description = "EPHEMERA_GCP_SERVICE_ACCOUNT"
  value       = google_service_account.machine.email
}
