resource "google_compute_network" "ephemera" {
  name                    = "ephemera-${var.deployment}"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "ephemera" {
  name                     = "ephemera-${var.deployment}"
  network                  = google_compute_network.ephemera.id
  region                   = var.region
  ip_cidr_range            = "10.60.0.0/16"
  private_ip_google_access = true
}

# The control VM and internal machines reach the outside (Temporal, packages) without an address of their own.
resource "google_compute_router" "ephemera" {
  name    = "ephemera-${var.deployment}"
  network = google_compute_network.ephemera.id
  region  = var.region
}

resource "google_compute_router_nat" "ephemera" {
  name                               = "ephemera-${var.deployment}"
  router                             = google_compute_router.ephemera.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# Machines reach the API and nothing else of ours; machines do not reach each other.
resource "google_compute_firewall" "api_from_machines" {
  name          = "ephemera-${var.deployment}-api"
  network       = google_compute_network.ephemera.id
  direction     = "INGRESS"
  priority      = 1000
  source_tags   = ["ephemera"]
  target_tags   = ["ephemera-control"]
  source_ranges = var.api_source_ranges
  allow {
    protocol = "tcp"
    ports    = ["7400"]
  }
}

resource "google_compute_firewall" "users_to_machines" {
  count         = length(var.machine_source_ranges) > 0 ? 1 : 0
  name          = "ephemera-${var.deployment}-machines"
  network       = google_compute_network.ephemera.id
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = var.machine_source_ranges
  target_tags   = ["ephemera"]
  allow {
    protocol = "tcp"
    ports    = var.machine_ports
  }
}

# The worker probes readiness over HTTP and TCP.
resource "google_compute_firewall" "probes_to_machines" {
  name        = "ephemera-${var.deployment}-probes"
  network     = google_compute_network.ephemera.id
  direction   = "INGRESS"
  priority    = 1000
  source_tags = ["ephemera-control"]
  target_tags = ["ephemera"]
  allow {
    protocol = "tcp"
  }
}

# People reach the control VM's SSH through Identity-Aware Proxy only.
resource "google_compute_firewall" "ssh_through_iap" {
  name          = "ephemera-${var.deployment}-ssh"
  network       = google_compute_network.ephemera.id
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = ["35.235.240.0/20"]
  target_tags   = ["ephemera-control"]
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# A machine whose spec does not ask for egress reaches the API alone (the metadata server is never filtered).
resource "google_compute_firewall" "sealed_to_api" {
  name               = "ephemera-${var.deployment}-sealed-api"
  network            = google_compute_network.ephemera.id
  direction          = "EGRESS"
  priority           = 900
  target_tags        = ["ephemera-sealed"]
  destination_ranges = local.on_cloud_run ? ["199.36.153.8/30"] : ["${google_compute_address.control[0].address}/32"]
  allow {
    protocol = "tcp"
    ports    = [local.on_cloud_run ? "443" : "7400"]
  }
}

resource "google_compute_firewall" "sealed" {
  name               = "ephemera-${var.deployment}-sealed"
  network            = google_compute_network.ephemera.id
  direction          = "EGRESS"
  priority           = 1000
  target_tags        = ["ephemera-sealed"]
  destination_ranges = ["0.0.0.0/0"]
  deny {
    protocol = "all"
  }
}
