package ddb_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// The benchmarks go through the SDK and HTTP, with items of about 1 KB; run with -cpu 1,8 for more clients.

func benchmark(b *testing.B, fill int, call func(d *db, i int64) error) {
	d, _ := start(b, nil)
	for i := range fill {
		in := &dynamodb.PutItemInput{TableName: aws.String("chat"), Item: attrs(benchItem(int64(i)))}
		if _, err := d.PutItem(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(d, n.Add(1)); err != nil {
				b.Error(err)
			}
		}
	})
}

func benchItem(i int64) m {
	return m{"pk": fmt.Sprint("p", i%100), "sk": fmt.Sprintf("%09d", i), "n": int(i), "text": strings.Repeat("x", 1000)}
}

func BenchmarkPutItem(b *testing.B) {
	benchmark(b, 0, func(d *db, i int64) error {
		_, err := d.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: aws.String("chat"), Item: attrs(benchItem(i))})
		return err
	})
}

func BenchmarkGetItem(b *testing.B) {
	benchmark(b, 10_000, func(d *db, i int64) error {
		it := benchItem(i % 10_000)
		_, err := d.GetItem(b.Context(), &dynamodb.GetItemInput{TableName: aws.String("chat"), Key: attrs(m{"pk": it["pk"], "sk": it["sk"]})})
		return err
	})
}

func BenchmarkUpdateItem(b *testing.B) {
	benchmark(b, 0, func(d *db, i int64) error {
		_, err := d.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("chat"), Key: attrs(m{"pk": "p", "sk": fmt.Sprint(i % 8)}),
			UpdateExpression: aws.String("ADD n :one SET v = :one"), ConditionExpression: aws.String("attribute_not_exists(x) OR n < :one"), ExpressionAttributeValues: attrs(m{":one": 1})})
		return err
	})
}

// BenchmarkQuery reads the newest 10 of 100 items of a partition.
func BenchmarkQuery(b *testing.B) {
	benchmark(b, 10_000, func(d *db, i int64) error {
		_, err := d.Query(b.Context(), &dynamodb.QueryInput{TableName: aws.String("chat"), KeyConditionExpression: aws.String("pk = :p"), ScanIndexForward: aws.Bool(false),
			Limit: aws.Int32(10), ExpressionAttributeValues: attrs(m{":p": fmt.Sprint("p", i%100)})})
		return err
	})
}
