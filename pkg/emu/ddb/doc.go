// Package ddb is Amazon DynamoDB as seen on the wire, in memory: an [http.Handler] that speaks the AWS JSON 1.0 protocol,
// so that any AWS SDK or the AWS CLI works with it when it is named as the endpoint. It knows nothing of kaiwa.
//
// Emulated, with AWS's own error types and, where they are known, its words:
//
//   - CreateTable, DescribeTable, ListTables, DeleteTable, UpdateTimeToLive, DescribeTimeToLive; GetItem, PutItem, UpdateItem,
//     DeleteItem, Query, Scan, BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems.
//   - The whole expression language, its limits, its reserved words, its refusals.
//   - Global and local secondary indexes with every projection; pages of Limit and 1 MB before the filter; parallel scans.
//   - Numbers of 38 digits, exactly; sizes and limits of keys, items, batches and transactions.
//   - Transactions with a reason for each action; client request tokens, for ten minutes of Options.Clock.
//   - Consumed capacity. It is counted, never enforced.
//
// Not emulated, and refused by name: every other operation (UpdateTable, streams, backups, tags, PartiQL, …), the legacy members
// that expressions replaced (AttributesToGet, Expected, KeyConditions, …), item collection metrics, and of CreateTable all that has
// no effect here (StreamSpecification, SSESpecification, Tags, OnDemandThroughput, ResourcePolicy, …): a host that reads templates
// decides what may be left out, and says so. So is any member never heard of, which AWS would ignore.
//
// What differs without being refused:
//
//   - Signatures are not verified, a request only has to have one. Accounts and regions are one namespace,
//     whatever Options say.
//   - A table is ACTIVE, and gone, at once. Global indexes are never behind the table. Time to live may be changed at any time, and
//     expired items leave when Sweep is called.
//   - Everything happens one after the other, so transactions never conflict; Options.Faults can make them.
//
// How AWS behaves was taken from its documentation, and where that is silent from tests that others ran against AWS: those of
// scylladb/alternator and dynalite, both named at the places in question. The contract suite in the tests runs on dynoxide too.
package ddb
