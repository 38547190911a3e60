output "api_url" {
  description = "Where machines, and whoever is in the network, reach the API."
  value       = "https://${local.api_address}:7400"
}

output "subnets" {
  description = "EPHEMERA_EC2_SUBNETS: where machines are, and the only places where the worker may put them."
  value       = join(",", [for zone in var.machine_zones : "${zone}=${aws_subnet.machines[zone].id}"])
}

output "security_groups" {
  description = "EPHEMERA_EC2_SECURITY_GROUPS and EPHEMERA_EC2_EGRESS_SECURITY_GROUPS."
  value       = { machines = aws_security_group.machines.id, egress = aws_security_group.egress.id }
}

output "worker_policy" {
  description = "The policy of the worker, for a worker that runs elsewhere."
  value       = aws_iam_policy.worker.arn
}

output "api_certificate" {
  description = "Secret in Secrets Manager with the certificate of the API, by which its callers know it."
  value       = aws_secretsmanager_secret.own["certificate"].name
}
