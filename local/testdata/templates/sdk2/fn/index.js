const AWS = require('aws-sdk');

const table = new AWS.DynamoDB.DocumentClient({ apiVersion: '2012-08-10' });

exports.handler = async (event) => {
  const { connectionId, domainName, stage } = event.requestContext;
  await table.put({ TableName: process.env.TABLE, Item: { id: connectionId, said: event.body } }).promise();
  const { Item } = await table.get({ TableName: process.env.TABLE, Key: { id: connectionId } }).promise();
  const callback = new AWS.ApiGatewayManagementApi({ apiVersion: '2018-11-29', endpoint: `${domainName}/${stage}` });
  await callback.postToConnection({ ConnectionId: connectionId, Data: `stored ${Item.said}` }).promise();
  try {
    await callback.postToConnection({ ConnectionId: 'AAAAAAAAAAAAAAA=', Data: 'nobody' }).promise();
  } catch (e) {
    await callback.postToConnection({ ConnectionId: connectionId, Data: `${e.code} ${e.statusCode}` }).promise();
  }
  try {
    await new AWS.S3().putObject({ Bucket: 'uploads', Key: 'a', Body: event.body }).promise();
  } catch (e) {
    await callback.postToConnection({ ConnectionId: connectionId, Data: `${e.code}: ${e.message}` }).promise();
  }
  return { statusCode: 200 };
};
