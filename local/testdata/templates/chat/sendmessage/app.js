const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, ScanCommand, DeleteCommand } = require('@aws-sdk/lib-dynamodb');
const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require('@aws-sdk/client-apigatewaymanagementapi');

const table = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const { TABLE_NAME } = process.env;

exports.handler = async (event) => {
  const { domainName, stage } = event.requestContext;
  const callback = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  const { Items } = await table.send(new ScanCommand({ TableName: TABLE_NAME, ProjectionExpression: 'connectionId' }));
  const { data } = JSON.parse(event.body);

  await Promise.all(Items.map(async ({ connectionId }) => {
    try {
      await callback.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: data }));
    } catch (e) {
      if (e.name !== 'GoneException') {
        throw e;
      }
      console.log(`stale connection, deleting ${connectionId}`);
      await table.send(new DeleteCommand({ TableName: TABLE_NAME, Key: { connectionId } }));
    }
  }));
  return { statusCode: 200, body: 'Sent.' };
};
