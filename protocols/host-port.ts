/** A TCP address as configurations write it. */
import { z } from 'zod';

/** `"127.0.0.1:5020"` or `"[::1]:5020"`. */
export const HostPortText = z
  .string()
  .regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[1-9]\d{0,4}$/, 'not host:port')
  .refine(
    (text) => text.slice(text.lastIndexOf(':') + 1).padStart(5, '0') <= '65535',
    'not a port (1 to 65535)',
  );
