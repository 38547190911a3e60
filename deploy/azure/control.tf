locals {
  own_secrets = { tls = "api-tls", certificate = "api-certificate" }
  api_address = cidrhost(azurerm_subnet.control.address_prefixes[0], 10)
}

data "azurerm_client_config" "this" {}

# Key and certificate of the API. The control VM makes them at its first start, so they are in no state of Terraform; they outlive the VM,
# for the machines of its time trust this certificate and no other.
resource "azurerm_key_vault" "own" {
  # Names of vaults are those of all of Azure.
  name                       = "eph-${substr(md5("${var.subscription} ${var.deployment}"), 0, 16)}"
  resource_group_name        = azurerm_resource_group.control.name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.this.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
}

resource "azurerm_network_interface" "control" {
  name                = "${local.name}-control"
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location

  ip_configuration {
    name                          = "control"
    subnet_id                     = azurerm_subnet.control.id
    private_ip_address_allocation = "Static"
    private_ip_address            = local.api_address
  }
}

# Runs API and worker. It keeps nothing: Temporal is the only database, so it may be replaced at any time.
resource "azurerm_linux_virtual_machine" "control" {
  name                  = "${local.name}-control"
  resource_group_name   = azurerm_resource_group.control.name
  location              = var.location
  size                  = var.control_size
  admin_username        = "ephemera-admin"
  network_interface_ids = [azurerm_network_interface.control.id]

  admin_ssh_key {
    username   = "ephemera-admin"
    public_key = var.admin_public_key
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.worker.id]
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "StandardSSD_LRS"
    disk_size_gb         = 30
  }

  source_image_reference {
    publisher = "Debian"
    offer     = "debian-13"
    sku       = "13-gen2"
    version   = "latest"
  }

  # Another release is another VM.
  custom_data = base64encode(templatefile("${path.module}/../control-plane/setup.sh.tftpl", {
    packages = ""
    secret_functions = templatefile("${path.module}/secrets.sh.tftpl", {
      vault       = data.azurerm_key_vault.secrets.vault_uri
      own_vault   = azurerm_key_vault.own.vault_uri
      client_id   = azurerm_user_assigned_identity.worker.client_id
      api_address = local.api_address
    })
    release_url             = var.release_url
    release_sha256          = var.release_sha256
    tls_secret              = local.own_secrets["tls"]
    certificate_secret      = local.own_secrets["certificate"]
    deployment_secret       = var.deployment_secret
    temporal_api_key_secret = var.temporal_api_key_secret
    settings = {
      EPHEMERA_PROVIDER                    = "azure"
      EPHEMERA_DEPLOYMENT                  = var.deployment
      EPHEMERA_AZURE_SUBSCRIPTION          = var.subscription
      EPHEMERA_AZURE_RESOURCE_GROUP        = azurerm_resource_group.machines.name
      EPHEMERA_AZURE_PLACES                = length(var.machine_zones) == 0 ? var.location : join(",", [for zone in var.machine_zones : "${var.location}-${zone}"])
      EPHEMERA_AZURE_SUBNETS               = azurerm_subnet.machines.id
      EPHEMERA_AZURE_SECURITY_GROUP        = azurerm_network_security_group.machines["sealed"].id
      EPHEMERA_AZURE_EGRESS_SECURITY_GROUP = azurerm_network_security_group.machines["egress"].id
      EPHEMERA_AZURE_EXTERNAL_IP           = var.external_ips
      EPHEMERA_AZURE_MACHINE_TYPES         = join(",", var.machine_types)
      EPHEMERA_AZURE_WORKER_IDENTITY       = azurerm_user_assigned_identity.worker.client_id
      TEMPORAL_ADDRESS                     = var.temporal_address
      TEMPORAL_NAMESPACE                   = var.temporal_namespace
    }
  }))

  depends_on = [
    azurerm_subnet_nat_gateway_association.control,
    azurerm_role_assignment.secrets,
    azurerm_role_assignment.own_secrets,
  ]

  lifecycle {
    precondition {
      condition     = startswith(var.release_url, "https://") && var.release_sha256 != ""
      error_message = "The control VM needs release_url, the https:// URL that it fetches Ephemera from, and release_sha256."
    }
  }
}
