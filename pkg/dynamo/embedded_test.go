package dynamo_test

import (
	"testing"

	"kaiwa/pkg/emu/ddb"
)

func startEmbedded(t *testing.T) (endpoint string, units func() (reads, writes float64)) {
	endpoint, server := ddb.Start(t, nil)
	return endpoint, func() (reads, writes float64) {
		for _, c := range server.Counts() {
			reads += c.ReadUnits
			writes += c.WriteUnits
		}
		return reads, writes
	}
}
