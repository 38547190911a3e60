output "api_url" {
  description = "Where machines, and whoever is in the network, reach the API."
  value       = local.on_cloud_run ? local.cloud_run_url : "https://${google_compute_address.control[0].address}:7400"
}

output "network" {
  description = "EPHEMERA_GCP_NETWORKS: where machines are, and the only place where the worker may put them."
  value       = google_compute_subnetwork.ephemera.id
}

output "machine_service_account" {
  description = "EPHEMERA_GCP_SERVICE_ACCOUNT"
  value       = google_service_account.machine.email
}

output "api_certificate" {
  description = "Secret Manager secret with the certificate of the API, by which its callers know it."
  value       = local.on_cloud_run ? "" : google_secret_manager_secret.own["certificate"].secret_id
}
