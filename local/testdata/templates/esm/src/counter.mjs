import { DynamoDBClient, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { answer } from './answer.js';

const table = new DynamoDBClient();
const { TABLE: TableName } = process.env;

export async function handler(event) {
  await table.send(new UpdateItemCommand({
    TableName,
    Key: { room: { S: 'lobby' }, day: { S: 'today' } },
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': { N: '1' } },
  }));
  const { Items: [most] } = await table.send(new QueryCommand({
    TableName,
    IndexName: 'byCount',
    KeyConditionExpression: 'room = :room',
    ExpressionAttributeValues: { ':room': { S: 'lobby' } },
    ScanIndexForward: false,
  }));
  await answer(event, `count ${most.n.N}`);
  return { statusCode: 200 };
}
