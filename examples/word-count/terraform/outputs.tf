output "public_ip" {
  description = "Address of the service on the internet."
  value       = data.external.vm.result.ip
}

output "url" {
  description = "Where browsers open it."
  value       = "http://${data.external.vm.result.ip}:${local.port}/count"
}

output "vm" {
  description = "Name of the VM in Ephemera."
  value       = module.vm.name
}
