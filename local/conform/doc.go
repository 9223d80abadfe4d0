// Package conform asks a deployed API Gateway WebSocket API, real or emulated, how
// it behaves, and compares that with what is known of AWS.
//
// What is known stands in one table, [Rows]: each row has its section in
// aws-facts.md, its sources, its confidence, and a probe that asks through real
// sockets and the real AWS SDK. What is asked is a stack of probe.yaml, beside this
// file: seven small APIs in front of one function, package probe. The tests of
// emu/apigw ask the same table of the emulator; "go run ./local conform -url" asks
// it of AWS.
//
// Where nobody knows what AWS does (confidence ?) a probe does not judge: it tells
// what it saw, beside what the emulator does.
package conform
