// Everything that protects what leaves: fetched where an option asks for it.

export { checkPrivacy } from './check.js';
export { Consents, type Grant, type Question } from './consent.js';
export { EgressLog } from './egress.js';
export { Redactor, type Redacted } from './redact.js';
export { rehydrated, Rehydrator, type Rehydrated } from './rehydrate.js';
export { placeholdersIn, Vault } from './vault.js';
