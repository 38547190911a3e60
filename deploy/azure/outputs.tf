output "api_url" {
  description = "Where machines, and whoever is in the network, reach the API."
  value       = "https://${local.api_address}:7400"
}

output "resource_group" {
  description = "EPHEMERA_AZURE_RESOURCE_GROUP: where machines are, and the only place where the worker may put them."
  value       = azurerm_resource_group.machines.name
}

output "subnet" {
  description = "EPHEMERA_AZURE_SUBNETS"
  value       = azurerm_subnet.machines.id
}

output "worker_identity" {
  description = "Client id of the identity that the worker proves itself with."
  value       = azurerm_user_assigned_identity.worker.client_id
}

output "api_certificate" {
  description = "Id of the secret with the certificate of the API, by which its callers know it: `az keyvault secret show --id`."
  value       = "${azurerm_key_vault.own.vault_uri}secrets/${local.own_secrets["certificate"]}"
}
