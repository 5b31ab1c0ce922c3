'use client';

import '../../check.js';

export default function Page() {
  return <p id="answer">ready</p>;
}
