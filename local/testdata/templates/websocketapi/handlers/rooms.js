const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, UpdateCommand } = require('@aws-sdk/lib-dynamodb');
const { ApiGatewayManagementApi } = require('@aws-sdk/client-apigatewaymanagementapi');

const table = DynamoDBDocumentClient.from(new DynamoDBClient());

exports.connect = async () => ({ statusCode: 200 });

exports.join = async (event) => {
  const { connectionId, authorizer } = event.requestContext;
  const { room } = JSON.parse(event.body);
  const { Attributes } = await table.send(new UpdateCommand({
    TableName: process.env.TABLE,
    Key: { name: room },
    UpdateExpression: 'SET members = list_append(if_not_exists(members, :none), :me)',
    ExpressionAttributeValues: { ':none': [], ':me': [authorizer.name] },
    ReturnValues: 'ALL_NEW',
  }));
  const api = new ApiGatewayManagementApi({ endpoint: process.env.CALLBACK });
  const Data = `${event.stageVariables.greeting} ${Attributes.members.join(', ')}`;
  await api.postToConnection({ ConnectionId: connectionId, Data });
  return { statusCode: 200 };
};
