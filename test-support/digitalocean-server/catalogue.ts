/** What every account finds: regions, sizes with their prices of 2026, and public images. */
import type { Image, Region, Size } from './resources.ts';

const FEATURES = ['backups', 'ipv6', 'metadata', 'install_agent', 'storage', 'image_transfer'];

export const REGIONS: readonly Region[] = [
  { slug: 'nyc3', name: 'New York 3', features: FEATURES },
  { slug: 'ams3', name: 'Amsterdam 3', features: FEATURES },
  { slug: 'fra1', name: 'Frankfurt 1', features: FEATURES },
  { slug: 'sfo3', name: 'San Francisco 3', features: FEATURES },
];

export const SIZES: readonly Size[] = [
  sizeOf('s-1vcpu-512mb-10gb', { vcpus: 1, memory: 512, disk: 10, monthly: 4 }),
  sizeOf('s-1vcpu-1gb', { vcpus: 1, memory: 1024, disk: 25, monthly: 6 }),
  sizeOf('s-1vcpu-2gb', { vcpus: 1, memory: 2048, disk: 50, monthly: 12 }),
  sizeOf('s-2vcpu-2gb', { vcpus: 2, memory: 2048, disk: 60, monthly: 18 }),
  sizeOf('s-2vcpu-4gb', { vcpus: 2, memory: 4096, disk: 80, monthly: 24 }),
  sizeOf('s-4vcpu-8gb', { vcpus: 4, memory: 8192, disk: 160, monthly: 48 }),
  sizeOf('s-8vcpu-16gb', { vcpus: 8, memory: 16384, disk: 320, monthly: 96 }),
  sizeOf('c-2', { vcpus: 2, memory: 4096, disk: 25, monthly: 42 }),
  sizeOf('g-2vcpu-8gb', { vcpus: 2, memory: 8192, disk: 25, monthly: 63 }),
];

interface SizeFacts {
  vcpus: number;
  memory: number;
  disk: number;
  monthly: number;
}

function sizeOf(slug: string, { vcpus, memory, disk, monthly }: SizeFacts): Size {
  const hourly = Number((monthly / 672).toFixed(5));
  const price = { price_monthly: monthly, price_hourly: hourly };
  return { slug, vcpus, memory, disk, transfer: 1, ...price, description: 'Basic' };
}

/** Public images, in every region. */
export const IMAGES: readonly Pick<Image, 'id' | 'slug' | 'name' | 'distribution' | 'min_disk_size'>[] = [
  { id: 155133621, slug: 'ubuntu-24-04-x64', name: '24.04 (LTS) x64', distribution: 'Ubuntu', min_disk_size: 7 },
  { id: 195133622, slug: 'ubuntu-26-04-x64', name: '26.04 (LTS) x64', distribution: 'Ubuntu', min_disk_size: 7 },
  { id: 155133623, slug: 'debian-12-x64', name: '12 x64', distribution: 'Debian', min_disk_size: 7 },
  { id: 195133625, slug: 'debian-13-x64', name: '13 x64', distribution: 'Debian', min_disk_size: 7 },
  { id: 155133624, slug: 'docker-20-04', name: 'Docker on Ubuntu', distribution: 'Ubuntu', min_disk_size: 25 },
];
