resource "google_compute_address" "control" {
  count        = local.on_cloud_run ? 0 : 1
  name         = "ephemera-${var.deployment}-control"
  address_type = "INTERNAL"
  subnetwork   = google_compute_subnetwork.ephemera.id
  region       = var.region
}

# With control_plane = "vm" one VM runs API and worker. It keeps nothing: Temporal is the only database, so it may be replaced at any time.
resource "google_compute_instance" "control" {
  count                     = local.on_cloud_run ? 0 : 1
  name                      = "ephemera-${var.deployment}-control"
  machine_type              = var.control_machine_type
  zone                      = var.zone
  tags                      = ["ephemera-control"]
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-13"
      size  = 20
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.ephemera.id
    network_ip = google_compute_address.control[0].address
  }

  service_account {
    email  = google_service_account.control.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot = true
  }

  metadata = {
    block-project-ssh-keys = "TRUE"
    startup-script = templatefile("${path.module}/control-startup.sh.tftpl", {
      release_url             = var.release_url
      project                 = var.project
      zones                   = join(",", var.machine_zones)
      deployment              = var.deployment
      api_url                 = "http://${google_compute_address.control[0].address}:7400"
      machine_service_account = google_service_account.machine.email
      vm_server_url           = var.vm_server_url
      temporal_address        = var.temporal_address
      temporal_namespace      = var.temporal_namespace
      temporal_api_key_secret = var.temporal_api_key_secret
      deployment_secret       = var.deployment_secret
    })
  }

  depends_on = [google_project_service.compute, google_compute_router_nat.ephemera]

  lifecycle {
    precondition {
      condition     = var.release_url != ""
      error_message = "The control VM needs release_url: where it fetches Ephemera."
    }
  }
}
