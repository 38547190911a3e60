locals {
  name = "ephemera-${var.deployment}"
}

# Network and control VM. Machines have a resource group of their own, in which the worker may do what it needs, and nothing here.
resource "azurerm_resource_group" "control" {
  name     = "${local.name}-control"
  location = var.location
}

resource "azurerm_resource_group" "machines" {
  name     = "${local.name}-machines"
  location = var.location
}

resource "azurerm_virtual_network" "ephemera" {
  name                = local.name
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location
  address_space       = ["10.60.0.0/16"]
}

resource "azurerm_subnet" "control" {
  name                            = "control"
  resource_group_name             = azurerm_resource_group.control.name
  virtual_network_name            = azurerm_virtual_network.ephemera.name
  address_prefixes                = ["10.60.255.0/24"]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet" "machines" {
  name                            = "machines"
  resource_group_name             = azurerm_resource_group.control.name
  virtual_network_name            = azurerm_virtual_network.ephemera.name
  address_prefixes                = ["10.60.0.0/17"]
  default_outbound_access_enabled = false
}

# What has no address of its own reaches the outside (Temporal, packages) by this one.
resource "azurerm_public_ip" "nat" {
  name                = "${local.name}-nat"
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_nat_gateway" "ephemera" {
  name                = local.name
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location
  sku_name            = "Standard"
}

resource "azurerm_nat_gateway_public_ip_association" "ephemera" {
  nat_gateway_id       = azurerm_nat_gateway.ephemera.id
  public_ip_address_id = azurerm_public_ip.nat.id
}

resource "azurerm_subnet_nat_gateway_association" "control" {
  subnet_id      = azurerm_subnet.control.id
  nat_gateway_id = azurerm_nat_gateway.ephemera.id
}

resource "azurerm_subnet_nat_gateway_association" "machines" {
  subnet_id      = azurerm_subnet.machines.id
  nat_gateway_id = azurerm_nat_gateway.ephemera.id
}

resource "azurerm_network_security_group" "control" {
  name                = "${local.name}-control"
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location

  security_rule {
    name                       = "api"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefixes    = concat(azurerm_subnet.machines.address_prefixes, var.api_source_ranges)
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "7400"
  }

  dynamic "security_rule" {
    for_each = length(var.admin_source_ranges) > 0 ? [var.admin_source_ranges] : []
    content {
      name                       = "ssh"
      priority                   = 110
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_address_prefixes    = security_rule.value
      source_port_range          = "*"
      destination_address_prefix = "*"
      destination_port_range     = "22"
    }
  }

  # Azure lets a whole virtual network in by default.
  security_rule {
    name                       = "nobody-else"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "control" {
  subnet_id                 = azurerm_subnet.control.id
  network_security_group_id = azurerm_network_security_group.control.id
}

# Of machines with egress, and the same without: `sealed` lets them reach the API alone (the metadata service is never filtered).
resource "azurerm_network_security_group" "machines" {
  for_each            = toset(["egress", "sealed"])
  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.control.name
  location            = var.location

  # The worker probes readiness over HTTP and TCP.
  security_rule {
    name                       = "probes"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefixes    = azurerm_subnet.control.address_prefixes
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }

  dynamic "security_rule" {
    for_each = length(var.machine_source_ranges) > 0 ? [var.machine_source_ranges] : []
    content {
      name                       = "users"
      priority                   = 110
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_address_prefixes    = security_rule.value
      source_port_range          = "*"
      destination_address_prefix = "*"
      destination_port_ranges    = var.machine_ports
    }
  }

  # Machines do not reach each other.
  security_rule {
    name                       = "nobody-else"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }

  security_rule {
    name                       = "to-api"
    priority                   = 100
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "${local.api_address}/32"
    destination_port_range     = "7400"
  }

  dynamic "security_rule" {
    for_each = each.key == "sealed" ? ["*"] : []
    content {
      name                       = "to-nothing-else"
      priority                   = 4000
      direction                  = "Outbound"
      access                     = "Deny"
      protocol                   = "*"
      source_address_prefix      = "*"
      source_port_range          = "*"
      destination_address_prefix = security_rule.value
      destination_port_range     = "*"
    }
  }
}
