# One VM of Ephemera. Another spec is another name, so a change makes the new VM first, waits until it is ready, and destroys
# the old one then. (A replaced resource of Terraform does either without a gap or with its own destroy, and not both.)
locals {
  body = jsonencode(merge(var.spec, { labels = merge(try(var.spec.labels, {}), { service = var.name }) }))
  name = "${var.name}-${substr(sha256(local.body), 0, 8)}"
}

# The service as a whole: it goes with its last VM.
resource "terraform_data" "service" {
  input = {
    api_url      = var.api_url
    api_key_file = abspath(var.api_key_file)
    api_ca_file  = var.api_ca_file == "" ? "" : abspath(var.api_ca_file)
    name         = var.name
  }

  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/vm.sh' down"
    environment = {
      API_URL      = self.input.api_url
      API_KEY_FILE = self.input.api_key_file
      API_CA_FILE  = self.input.api_ca_file
      SERVICE      = self.input.name
    }
  }
}

resource "terraform_data" "vm" {
  input            = local.name
  triggers_replace = local.name

  provisioner "local-exec" {
    command = "sh '${path.module}/vm.sh' up"
    environment = {
      API_URL       = terraform_data.service.input.api_url
      API_KEY_FILE  = terraform_data.service.input.api_key_file
      API_CA_FILE   = terraform_data.service.input.api_ca_file
      SERVICE       = var.name
      VM_NAME       = local.name
      VM_BODY       = local.body
      READY_SECONDS = var.ready_seconds
    }
  }
}
