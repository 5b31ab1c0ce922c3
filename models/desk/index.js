// Where the weights are. Bundlers recognise this exact form, copy the files, and put in their addresses.

export const desk = new URL('./desk.gguf', import.meta.url);
export const nano = new URL('./desk-nano.gguf', import.meta.url);
