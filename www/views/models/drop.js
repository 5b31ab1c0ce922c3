// Files dropped anywhere on the view.

import { Observable } from '../../lib/observable.js';
import { load, refuse } from './own.js';

/** Whether files are being held over the view. */
export const dropping = new Observable(false);

const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');

/** Takes files that are dropped on `element`; returns what ends that. */
export function acceptDrops(element) {
  const over = (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    dropping.value = true;
  };
  const leave = (event) => {
    if (!element.contains(event.relatedTarget)) dropping.value = false;
  };
  const drop = (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    dropping.value = false;
    const files = [...event.dataTransfer.files];
    if (files.length > 0) load(files);
    else refuse('What was dropped holds no file: drop a GGUF file, or all parts of one.');
  };
  const listeners = { dragenter: over, dragover: over, dragleave: leave, drop };
  Object.entries(listeners).forEach(([name, listener]) => element.addEventListener(name, listener));
  return () => {
    dropping.value = false;
    Object.entries(listeners).forEach(([name, listener]) => element.removeEventListener(name, listener));
  };
}
