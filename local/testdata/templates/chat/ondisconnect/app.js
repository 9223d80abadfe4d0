const { DynamoDBClient, DeleteItemCommand } = require('@aws-sdk/client-dynamodb');

const client = new DynamoDBClient({});

// It calls back, as older programs do.
exports.handler = (event, context, callback) => {
  const gone = { TableName: process.env.TABLE_NAME, Key: { connectionId: { S: event.requestContext.connectionId } } };
  client.send(new DeleteItemCommand(gone), (error) => {
    callback(null, error ? { statusCode: 500, body: error.message } : { statusCode: 200, body: 'Disconnected.' });
  });
};
