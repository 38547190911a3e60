"""Asks cloud-init's own NoCloud datasource what it finds: on a volume, or at a URL.

Runs beside the system, never as its cloud-init: all it writes is below the directory it is given. Two functions of
cloud-init are replaced, since no device and no mount is to be had here: the search for devices asks blkid about the
volume's file, and a mount is a copy of the volume's files made by pycdlib.
"""
import json
import os
import subprocess
import sys

packages, directory, place = sys.argv[1:4]
sys.path.insert(0, os.path.join(packages, 'usr/lib/python3/dist-packages'))

from cloudinit import dmi, helpers, util  # noqa: E402
from cloudinit.sources import DataSourceNoCloud  # noqa: E402
import pycdlib  # noqa: E402


def devices(criteria=None, **_):
    if criteria is None or place.startswith('http'):
        return []
    name, wanted = criteria.split('=')
    asked = ['blkid', '--probe', '--output', 'value', '--match-tag', name, place]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return [place] if found == wanted else []


def mounted(device, callback, data=None, **_):
    target = os.path.join(directory, 'mounted')
    os.makedirs(target, exist_ok=True)
    volume = pycdlib.PyCdlib()
    volume.open(device)
    for child in volume.list_children(iso_path='/'):
        if child.is_dir():
            continue
        name = child.file_identifier().decode()
        # As Linux shows it.
        shown = name.removesuffix(';1').removesuffix('.').lower()
        volume.get_file_from_iso(os.path.join(target, shown), iso_path='/' + name)
    volume.close()
    return callback(target) if data is None else callback(target, data)


util.find_devs_with = devices
util.mount_cb = mounted
dmi.read_dmi_data = lambda _: None
util.get_cmdline = lambda: ''

paths = helpers.Paths({'cloud_dir': directory, 'run_dir': directory, 'templates_dir': directory})
settings = {'datasource': {'NoCloud': {'seedfrom': place}}} if place.startswith('http') else {}
kind = DataSourceNoCloud.DataSourceNoCloudNet if settings else DataSourceNoCloud.DataSourceNoCloud
source = kind(settings, None, paths)
found = source.get_data()
parts = [part for part in source.get_userdata().walk() if not part.is_multipart()] if found else []
print(json.dumps({
    'found': found,
    'instanceId': source.get_instance_id() if found else None,
    'hostname': source.metadata.get('local-hostname') if found else None,
    'parts': [part.get_content_type() for part in parts],
    'texts': [util.fully_decoded_payload(part) for part in parts],
    'userData': source.get_userdata_raw() if found else None,
    'vendorData': source.get_vendordata_raw() if found else None,
}, default=lambda raw: raw.decode()))
