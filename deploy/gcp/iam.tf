resource "google_project_service" "compute" {
  service            = "compute.googleapis.com"
  disable_on_destroy = false
}

# What the worker does with Compute Engine, and nothing more: the groups of providers/gcp/permissions.ts.
# IAM knows an instance by its name, not by its labels: all of this deployment begin with this.
locals {
  instance_prefix = "eph-${var.deployment}-"
  role_suffix     = replace(var.deployment, "-", "_")
  worker          = "serviceAccount:${google_service_account.worker.email}"
  api             = "serviceAccount:${local.on_cloud_run ? google_service_account.api[0].email : google_service_account.worker.email}"
}

resource "google_project_iam_custom_role" "machines" {
  role_id     = "ephemeraMachines_${local.role_suffix}"
  title       = "Ephemera machines (${var.deployment})"
  description = "Make, watch and destroy instances and their disks."
  permissions = [
    "compute.disks.create",
    "compute.disks.setLabels",
    "compute.disks.use",
    "compute.disks.useReadOnly",
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.getSerialPortOutput",
    "compute.instances.resume",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setServiceAccount",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.instances.suspend",
  ]
}

resource "google_project_iam_custom_role" "project" {
  role_id     = "ephemeraProject_${local.role_suffix}"
  title       = "Ephemera project (${var.deployment})"
  description = "List instances, follow operations, use and make images."
  permissions = [
    "compute.globalOperations.get",
    "compute.globalOperations.list",
    "compute.images.create",
    "compute.images.delete",
    "compute.images.deprecate",
    "compute.images.get",
    "compute.images.getFromFamily",
    "compute.images.list",
    "compute.images.setLabels",
    "compute.images.useReadOnly",
    "compute.instances.list",
    "compute.projects.get",
    "compute.regions.get",
    "compute.zoneOperations.get",
    "compute.zones.get",
  ]
}

resource "google_project_iam_custom_role" "network" {
  role_id     = "ephemeraNetwork_${local.role_suffix}"
  title       = "Ephemera network (${var.deployment})"
  description = "Put instances into a subnetwork."
  permissions = concat(
    ["compute.subnetworks.use"],
    var.external_ips == "allowed" ? ["compute.subnetworks.useExternalIp"] : [],
  )
}

# Runs the worker; on the control VM, where both are one user's, the API too.
resource "google_service_account" "worker" {
  account_id   = "ephemera-${substr(md5(var.deployment), 0, 8)}"
  display_name = "Ephemera worker (${var.deployment})"
}

moved {
  from = google_service_account.control
  to   = google_service_account.worker
}

# The API makes no call to Compute Engine.
resource "google_service_account" "api" {
  count        = local.on_cloud_run ? 1 : 0
  account_id   = "ephemera-api-${substr(md5(var.deployment), 0, 8)}"
  display_name = "Ephemera API (${var.deployment})"
}

resource "google_project_iam_member" "worker_machines" {
  project = var.project
  role    = google_project_iam_custom_role.machines.id
  member  = local.worker
  condition {
    title      = "Machines of deployment ${var.deployment}"
    expression = <<-CEL
      (resource.type == "compute.googleapis.com/Instance" &&
        resource.name.extract("/instances/{name}").startsWith("${local.instance_prefix}")) ||
      (resource.type == "compute.googleapis.com/Disk" &&
        resource.name.extract("/disks/{name}").startsWith("${local.instance_prefix}"))
    CEL
  }
}

resource "google_project_iam_member" "worker_project" {
  project = var.project
  role    = google_project_iam_custom_role.project.id
  member  = local.worker
}

# In this subnetwork and no other, whatever a spec asks for and whatever the settings say.
resource "google_compute_subnetwork_iam_member" "worker_network" {
  project    = var.project
  region     = var.region
  subnetwork = google_compute_subnetwork.ephemera.name
  role       = google_project_iam_custom_role.network.id
  member     = local.worker
}

# Machines prove themselves with this account and can do nothing with it: it has no role.
resource "google_service_account" "machine" {
  account_id   = "ephemera-vm-${substr(md5(var.deployment), 0, 8)}"
  display_name = "Ephemera machine, without any role (${var.deployment})"
}

resource "google_service_account_iam_member" "worker_attaches_machine_account" {
  service_account_id = google_service_account.machine.name
  role               = "roles/iam.serviceAccountUser"
  member             = local.worker
}

# Each secret for whom needs it.
resource "google_secret_manager_secret_iam_member" "deployment_secret" {
  for_each  = local.on_cloud_run ? { worker = local.worker, api = local.api } : { worker = local.worker }
  project   = var.project
  secret_id = var.deployment_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

resource "google_secret_manager_secret_iam_member" "temporal_api_key" {
  for_each = var.temporal_api_key_secret == "" ? {} : (
    local.on_cloud_run ? { worker = local.worker, api = local.api } : { worker = local.worker }
  )
  project   = var.project
  secret_id = var.temporal_api_key_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

resource "google_secret_manager_secret_iam_member" "api_key" {
  count     = var.api_key_secret == "" ? 0 : 1
  project   = var.project
  secret_id = var.api_key_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = local.api
}
