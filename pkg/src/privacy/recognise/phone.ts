// Telephone numbers: international ones, forms of several countries, and other digits where a telephone is spoken of.

import type { Found } from './types.js';

const EXTENSION = String.raw`(?:,?[ ]?(?:x|ext\.?|extension|durchwahl)[ ]?\d{1,6})?`;
/** Bounded everywhere: no text makes them slow. */
const FORMS = [
  // +49 30 123456, 0049 …, +44 (0)20 …
  String.raw`(?<![\d+])(?<!\d\.)(?:\+|00(?=[1-9])|001-)[ .\-(]{0,2}\d(?:[ .\-/()]{0,3}\d){6,14}(?!\d)`,
  // (212) 555-0123, 1-212-555-0123, 212.555.0123
  String.raw`(?<![\d+])(?<!\d[.\-/])(?:1[ .\-]?)?(?:\(\d{3}\)[ .\-]?|\d{3}[ .\-/])\d{3}[ .\-]?\d{4}(?![\d]|[-.]\d)`,
  // 030 123456, 0171/1234567, (03) 9012 3456, 06 12 34 56 78
  String.raw`(?<![\d+#]|0x)(?<!\d[.\-/,:])\(?0[1-9]\d{0,3}\)?(?:[ .\-/]{0,2}\d){5,9}(?!\d|[-.,]\d)`,
].map((form) => new RegExp(form + EXTENSION, 'gi'));
const WORDS =
  'phone|telephone|tel|mobile|cell|cellphone|call|calling|fax|whatsapp|signal|sms|text|texts|messages? to|contact|ring|dial|hotline|desk|landline|extension|' +
  'telefon|handy|mobil|rufnummer|anrufen|téléphone|telephone|portable|appel|móvil|movil|teléfono|telefono|celular|cellulare|número|numero|telefoon|tlf';
const SPOKEN = new RegExp(String.raw`(?<![\p{L}\p{N}_])(?:${WORDS})(?![\p{L}\p{N}_])[^\d\n+(]{0,40}(\+?\(?\d(?:[ .\-/()]{0,3}\d){6,14}(?!\d)${EXTENSION})`, 'giu');
const DATE = /^\(?(?:[0-3]?\d([./-])[0-3]?\d\1(?:\d{2}){1,2}|\d{4}([./-])[01]?\d\2[0-3]?\d)(?!\d|[./-]\d)/;

export function* phones(text: string): Generator<Found> {
  for (const form of FORMS) {
    for (const { 0: all, index } of text.matchAll(form)) {
      if (likely(all)) {
        yield { start: index, end: index + all.length };
      }
    }
  }
  for (const { 0: all, 1: number = '', index } of text.matchAll(SPOKEN)) {
    if (likely(number)) {
      const end = index + all.length;
      yield { start: end - number.length, end };
    }
  }
}

/** No date, no address of the Internet Protocol, and digits enough. */
function likely(number: string): boolean {
  const digits = number.replace(/(?:x|e|d).*$/i, '').replace(/\D/g, '').length;
  return digits >= 7 && digits <= 17 && !DATE.test(number) && !/^(?:\d{1,3}\.){3}\d{1,3}$/.test(number) && !/^(\d)(?:\D?\1)*$/.test(number);
}
