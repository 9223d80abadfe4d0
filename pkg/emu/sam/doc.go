// Package sam reads a SAM or CloudFormation template, YAML or JSON, and says
// what a local run needs of it: functions, WebSocket APIs, tables, API keys and
// outputs, every intrinsic function resolved. Names, ids and ARNs are made up
// the way CloudFormation would, from the stack name and the logical id.
//
// It evaluates what it uses and nothing else: a Fn::GetAZs in a subnet harms
// nobody, one in a function's environment is an error. Errors are one line,
// file:line: what: what to do. What the template has and a local run has not
// stands in Template.Ignored: a route to such a thing names a function that is
// not there, so that it answers as one that fails.
//
// Plain YAML scalars are read as YAML 1.1, like the AWS tools do: OFF is false,
// 010 is eight, 22:30 is 1350.
//
// Properties of the types it reads are compared with those AWS knows
// (properties.txt); what it has no use for is accepted, what nobody has is refused.
// So are resources that wait for one another.
//
// Rules are checked. Not read: nested stacks, macros, Fn::ForEach and the other
// language extensions, modules.
package sam
