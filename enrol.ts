/** `meterline enrol`: at the cloud it makes a code (`--create`), at a gateway it uses one. */
export async function run(args: string[]): Promise<number> {
  const creates = args.some((arg) => arg === '--create' || arg.startsWith('--create='));
  const command = creates
    ? await import('./cloud/commands/create-enrolment.ts')
    : await import('./edge/commands/enrol.ts');
  return command.run(args);
}
