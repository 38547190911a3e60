import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';

export function NothingHere() {
  return (
    <Page title="Nothing here">
      <Nothing
        title="There is no such page"
        action={
          <Button component={Link} to="/vms">
            To the VMs
          </Button>
        }
      >
        The address may be mistyped, or of another version.
      </Nothing>
    </Page>
  );
}
