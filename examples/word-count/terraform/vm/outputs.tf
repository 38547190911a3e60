output "name" {
  description = "The VM's name; it is ready."
  value       = terraform_data.vm.output
}
