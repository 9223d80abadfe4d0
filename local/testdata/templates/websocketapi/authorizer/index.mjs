export default async (event) => {
  if (event.queryStringParameters.token !== process.env.TOKEN) {
    throw new Error('Unauthorized');
  }
  return {
    principalId: 'guest',
    context: { name: event.queryStringParameters.name ?? 'nobody' },
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }] },
  };
};
