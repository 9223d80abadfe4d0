import { answer } from './answer.js';

export const handler = async (event) => {
  const { name = 'world' } = JSON.parse(event.body);
  await answer(event, `hello ${name}`);
  return { statusCode: 200 };
};
