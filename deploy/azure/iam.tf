# What the worker does with Azure, and nothing more: the groups of providers/azure/permissions.ts, in the resource group of the machines alone. It proves itself as the control VM: there
# is no client secret. A worker elsewhere takes the same roles with a federated identity.
resource "azurerm_user_assigned_identity" "worker" {
  name                = "${local.name}-worker"
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location
}

resource "azurerm_role_definition" "machines" {
  name        = "Ephemera machines (${var.deployment})"
  description = "Make, watch and destroy virtual machines, with what belongs to them."
  scope       = azurerm_resource_group.machines.id

  permissions {
    actions = concat([
      "Microsoft.Compute/disks/delete",
      "Microsoft.Compute/disks/read",
      "Microsoft.Compute/disks/write",
      "Microsoft.Compute/images/delete",
      "Microsoft.Compute/images/read",
      "Microsoft.Compute/images/write",
      "Microsoft.Compute/virtualMachines/deallocate/action",
      "Microsoft.Compute/virtualMachines/delete",
      "Microsoft.Compute/virtualMachines/instanceView/read",
      "Microsoft.Compute/virtualMachines/read",
      "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
      "Microsoft.Compute/virtualMachines/start/action",
      "Microsoft.Compute/virtualMachines/write",
      "Microsoft.Network/applicationSecurityGroups/delete",
      "Microsoft.Network/applicationSecurityGroups/read",
      "Microsoft.Network/applicationSecurityGroups/write",
      "Microsoft.Network/networkInterfaces/delete",
      "Microsoft.Network/networkInterfaces/join/action",
      "Microsoft.Network/networkInterfaces/read",
      "Microsoft.Network/networkInterfaces/write",
      "Microsoft.Resources/subscriptions/resourceGroups/read",
      ], var.external_ips == "allowed" ? [
      "Microsoft.Network/publicIPAddresses/delete",
      "Microsoft.Network/publicIPAddresses/join/action",
      "Microsoft.Network/publicIPAddresses/read",
      "Microsoft.Network/publicIPAddresses/write",
    ] : [])
  }
}

# Azure gives the states of many machines for a whole subscription alone, and says there what a location has.
resource "azurerm_role_definition" "look" {
  name        = "Ephemera look (${var.deployment})"
  description = "See the states of virtual machines, sizes and quotas."
  scope       = "/subscriptions/${var.subscription}"

  permissions {
    actions = [
      "Microsoft.Compute/locations/usages/read",
      "Microsoft.Compute/skus/read",
      "Microsoft.Compute/virtualMachines/read",
    ]
  }
}

# Into this subnet with these security groups, and no other.
resource "azurerm_role_definition" "network" {
  name        = "Ephemera network (${var.deployment})"
  description = "Put virtual machines into a subnet."
  scope       = azurerm_resource_group.control.id

  permissions {
    actions = [
      "Microsoft.Network/networkSecurityGroups/join/action",
      "Microsoft.Network/virtualNetworks/subnets/join/action",
      "Microsoft.Network/virtualNetworks/subnets/read",
    ]
  }
}

resource "azurerm_role_assignment" "machines" {
  scope              = azurerm_resource_group.machines.id
  role_definition_id = azurerm_role_definition.machines.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.worker.principal_id
}

resource "azurerm_role_assignment" "look" {
  scope              = "/subscriptions/${var.subscription}"
  role_definition_id = azurerm_role_definition.look.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.worker.principal_id
}

resource "azurerm_role_assignment" "subnet" {
  scope              = azurerm_subnet.machines.id
  role_definition_id = azurerm_role_definition.network.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.worker.principal_id
}

resource "azurerm_role_assignment" "security_groups" {
  for_each           = azurerm_network_security_group.machines
  scope              = each.value.id
  role_definition_id = azurerm_role_definition.network.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.worker.principal_id
}

data "azurerm_key_vault" "secrets" {
  name                = var.key_vault
  resource_group_name = var.key_vault_resource_group
}

# Each secret for whom needs it.
resource "azurerm_role_assignment" "secrets" {
  for_each             = toset(compact([var.deployment_secret, var.temporal_api_key_secret]))
  scope                = "${data.azurerm_key_vault.secrets.id}/secrets/${each.key}"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.worker.principal_id
}

resource "azurerm_role_assignment" "own_secrets" {
  scope                = azurerm_key_vault.own.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = azurerm_user_assigned_identity.worker.principal_id
}
