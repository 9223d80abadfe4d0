// Package notice reads what other systems send and makes notifications of it: the
// message kaiwa documents, the envelopes AWS puts around messages, and what common
// services say of themselves, put into words a person can read. It knows no table,
// no connection and no clock.
//
// # The message
//
//	{"to":    {"user":"alice"},          one of user, topic, conversation, connection, "all":true
//	 "title": "Deploy", "text": "done",  one of the two, or data
//	 "level": "info",                    any word; info, warning, error and critical are usual
//	 "data":  {…},                       any JSON, for programs
//	 "id":    "deploy-7",                makes a repeat harmless (for 24 h, for each target)
//	 "ttl":   3600,                      seconds it is worth delivering
//	 "ask":   true}                      with a conversation: also starts a reply
//
// Without "to" it goes to the default target of the deployment. A "to" that is
// there, in capitals or not, and wrong is an error, and so is what was meant to be
// JSON with one: what was meant for one must not reach another.
//
// # Envelopes
//
//	an array of messages                      Invoke, or inside any other
//	a JSON string with one of these inside    a sender that encoded twice
//	Records of aws:sns                        SNS to Lambda
//	Records of aws:sqs                        SQS, standard and FIFO, raw or with an SNS envelope inside
//	Type, TopicArn, Message                   SNS's own JSON
//	detail-type, source, detail               EventBridge; a detail with "to" is the message
//	alarmData                                 a CloudWatch alarm action that invokes the function
//	AlarmName, NewStateValue                  a CloudWatch alarm, through SNS
//	requestContext.http                       a function URL; other requests are refused
//	requestPayload                            Lambda's record of an event that failed
//
// Whatever is none of these becomes readable as well as it can.
package notice
