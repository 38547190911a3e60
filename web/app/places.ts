import type { Role } from '../session/session.ts';

/** Where one can go, and who may: what a role may not see is not offered to it. */
export const PLACES: readonly { to: string; label: string; needs: Role }[] = [
  { to: '/vms', label: 'VMs', needs: 'viewer' },
  { to: '/create', label: 'Create a VM', needs: 'operator' },
  { to: '/templates', label: 'Templates', needs: 'viewer' },
  { to: '/pools', label: 'Pools', needs: 'viewer' },
  { to: '/hosts', label: 'Hosts', needs: 'viewer' },
  { to: '/images', label: 'Images', needs: 'viewer' },
  { to: '/webhooks', label: 'Webhooks', needs: 'viewer' },
  { to: '/sweeps', label: 'Sweeps', needs: 'admin' },
  { to: '/audit', label: 'Audit', needs: 'admin' },
  { to: '/keys', label: 'Keys', needs: 'admin' },
];
