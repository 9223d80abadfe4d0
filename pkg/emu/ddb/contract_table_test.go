package ddb_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestContractTables(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{
			{name: "by-g", keys: "g:S", projection: "INCLUDE", include: []string{"x"}}, {name: "by-at", keys: "pk:S at:N", projection: "ALL", local: true},
		}})
		d.put(t, table, with(key, m{"g": "G"}), m{"pk": "a", "sk": "c"})
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		must(t, err)
		got := out.Table
		same(t, "status", got.TableStatus, types.TableStatusActive)
		same(t, "keys", []string{*got.KeySchema[0].AttributeName, *got.KeySchema[1].AttributeName}, []string{"pk", "sk"})
		same(t, "attributes", len(got.AttributeDefinitions), 4)
		same(t, "billing", got.BillingModeSummary.BillingMode, types.BillingModePayPerRequest)
		if got.CreationDateTime == nil || got.CreationDateTime.Year() < 2020 || got.TableArn == nil || got.TableId == nil {
			t.Errorf("created %v, arn %v, id %v", got.CreationDateTime, got.TableArn, got.TableId)
		}
		same(t, "global index", []any{*got.GlobalSecondaryIndexes[0].IndexName, got.GlobalSecondaryIndexes[0].IndexStatus, got.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes},
			[]any{"by-g", types.IndexStatusActive, []string{"x"}})
		same(t, "local index", *got.LocalSecondaryIndexes[0].IndexName, "by-at")
		same(t, "items", *got.ItemCount, int64(2))

		_, err = d.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest,
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}}})
		d.refused(t, "again", err, "ResourceInUseException", "")
		names := listTables(t, d)
		if !slices.Contains(names, table) || !slices.IsSorted(names) {
			t.Errorf("tables: %v", names)
		}
		_, err = d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("kaiwa-no-such-table")})
		d.refused(t, "describe", err, "ResourceNotFoundException", "Table: kaiwa-no-such-table not found")
		_, err = d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("kaiwa-no-such-table")})
		d.refused(t, "delete", err, "ResourceNotFoundException", "Table: kaiwa-no-such-table not found")
		_, err = d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("kaiwa-no-such-table"), Key: attrs(key)})
		d.refused(t, "get", err, "ResourceNotFoundException", "Requested resource not found")
	})
}

// listTables pages through all tables, one at a time.
func listTables(t *testing.T, d *db) []string {
	t.Helper()
	var names []string
	pages := dynamodb.NewListTablesPaginator(d.Client, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		must(t, err)
		names = append(names, out.TableNames...)
	}
	return names
}

func TestContractDeletedTableIsGone(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		var table string
		t.Run("while there", func(t *testing.T) {
			table = d.table(t, schema{})
			d.put(t, table, key)
		})
		_, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: attrs(key)})
		d.refused(t, "get", err, "ResourceNotFoundException", "")
		if slices.Contains(listTables(t, d), table) {
			t.Error("still listed")
		}
	})
}

func TestContractCreateTableRefusals(t *testing.T) {
	hash := func(name string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &name, KeyType: types.KeyTypeHash}}
	}
	all := &types.Projection{ProjectionType: types.ProjectionTypeAll}
	global := func(name, key string, p *types.Projection) []types.GlobalSecondaryIndex {
		return []types.GlobalSecondaryIndex{{IndexName: &name, KeySchema: hash(key), Projection: p}}
	}
	contract(t, func(t *testing.T, d *db) {
		for what, c := range map[string]struct {
			change func(in *dynamodb.CreateTableInput)
			words  string
			aws    bool
		}{
			"short name":  {func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("ab") }, "length greater than or equal to 3", false},
			"bad name":    {func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("a b c") }, "regular expression pattern", false},
			"no capacity": {func(in *dynamodb.CreateTableInput) { in.BillingMode = "" }, "must both be specified when BillingMode is PROVISIONED", true},
			"capacity": {func(in *dynamodb.CreateTableInput) {
				in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)}
			}, "when BillingMode is PAY_PER_REQUEST", false},
			"no hash":         {func(in *dynamodb.CreateTableInput) { in.KeySchema[0].KeyType = types.KeyTypeRange }, "first KeySchemaElement is not a HASH key type", false},
			"two hashes":      {func(in *dynamodb.CreateTableInput) { in.KeySchema[1].KeyType = types.KeyTypeHash }, "second KeySchemaElement is not a RANGE key type", false},
			"undefined key":   {func(in *dynamodb.CreateTableInput) { in.KeySchema = hash("zz") }, "Some index key attributes are not defined in AttributeDefinitions. Keys: [zz], AttributeDefinitions: [pk, sk]", false},
			"unused":          {func(in *dynamodb.CreateTableInput) { in.KeySchema = hash("pk") }, "does not exactly match number of attributes defined in AttributeDefinitions", false},
			"bad type":        {func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions[0].AttributeType = "X" }, "Member must satisfy enum value set: [B, N, S]", false},
			"empty indexes":   {func(in *dynamodb.CreateTableInput) { in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{} }, "List of GlobalSecondaryIndexes is empty", false},
			"index undefined": {func(in *dynamodb.CreateTableInput) { in.GlobalSecondaryIndexes = global("idx", "zz", all) }, "Some index key attributes are not defined", false},
			"index twice": {func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(global("idx", "sk", all), global("idx", "sk", all)...)
			}, "Duplicate index name: idx", false},
			"unknown projection": {func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes = global("idx", "sk", &types.Projection{})
			}, "Unknown ProjectionType: null", false},
			"include nothing": {func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes = global("idx", "sk", &types.Projection{ProjectionType: types.ProjectionTypeInclude})
			},
				"ProjectionType is INCLUDE, but NonKeyAttributes is not specified", false},
			"all and some": {func(in *dynamodb.CreateTableInput) {
				in.GlobalSecondaryIndexes = global("idx", "sk", &types.Projection{ProjectionType: types.ProjectionTypeAll, NonKeyAttributes: []string{"x"}})
			}, "ProjectionType is ALL, but NonKeyAttributes is specified", false},
			"local without range": {func(in *dynamodb.CreateTableInput) {
				in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{IndexName: aws.String("idx"), KeySchema: hash("pk"), Projection: all}}
			}, "Index KeySchema does not have a range key for index: idx", false},
		} {
			if c.aws && !d.ours {
				continue
			}
			in := &dynamodb.CreateTableInput{TableName: aws.String(unique()), BillingMode: types.BillingModePayPerRequest}
			in.KeySchema = keySchema("pk:S sk:N", in, map[string]bool{})
			c.change(in)
			_, err := d.CreateTable(t.Context(), in)
			d.refused(t, what, err, invalid, c.words)
		}
	})
}

func TestContractTimeToLive(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		set := func(name string, on bool) error {
			_, err := d.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: &table,
				TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &on}})
			return err
		}
		status := func() types.TimeToLiveDescription {
			out, err := d.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
			must(t, err)
			return *out.TimeToLiveDescription
		}
		same(t, "before", status(), types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled})
		must(t, set("ttl", true))
		same(t, "after", status(), types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusEnabled, AttributeName: aws.String("ttl")})
		d.refused(t, "another", set("other", true), invalid, "already enabled")
		d.refused(t, "no name", set("", true), invalid, "length greater than or equal to 1")
		d.put(t, table, with(key, m{"ttl": 1}))
		same(t, "expired items are still read", d.get(t, table, key), with(key, m{"ttl": 1}))
		if d.ours { // the words of AWS are known from scylladb/alternator test_ttl; dynoxide lets all of these pass
			d.refused(t, "again", set("ttl", true), invalid, "enabled")
			d.refused(t, "off with another name", set("other", false), invalid, "different")
		}
		must(t, set("ttl", false))
		same(t, "off", status(), types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled})
		if d.ours {
			d.refused(t, "off again", set("ttl", false), invalid, "disabled")
		}
	})
}
