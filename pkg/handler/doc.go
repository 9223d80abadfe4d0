// Package handler is what the Lambda functions do with their events: Authorize,
// Connect, Disconnect, SendMessage, Reply and Notify. The functions' mains only
// wire adapters to it.
//
// A message handler always answers 200 and posts what it has to say itself: what
// API Gateway makes of another status is contested (aws-facts §3).
package handler
