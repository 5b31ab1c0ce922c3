// Documents as a person uses them: files are added, a question is asked in the chat.
import { drawn } from './wait.mjs';

/** A file as Playwright gives it to the page. */
export const file = (name, content) => ({ name, mimeType: '', buffer: Buffer.from(content) });

/** Adds files, and waits until all of them can be found. */
export async function add(page, files) {
  const there = await page.locator('.documents > li').count();
  await page.locator('input[name=files]').setInputFiles(files);
  await page.locator('.documents > li .state:text-matches("^Ready")').nth(there + files.length - 1).waitFor();
}

export const ready = (page) => page.locator('#where[data-status=ready]').waitFor({ timeout: 30_000 });

/** Goes to the chat, turns the documents on, asks; the last answer's element when it has ended. */
export async function askInChat(page, question) {
  await page.locator('nav a[href="#/chat"]').click();
  await page.getByRole('checkbox', { name: /Ask my documents/ }).check();
  await ready(page);
  // Another conversation's answers may still stand there.
  await drawn(page);
  await page.locator('#log:empty').waitFor({ state: 'attached' });
  const answers = page.locator('#log li.assistant');
  const before = await answers.count();
  await page.locator('#prompt').fill(question);
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = answers.nth(before);
  await answer.and(page.locator('[aria-busy=false]')).waitFor({ timeout: 30_000 });
  return answer;
}
