package ddb

func (c *call) updateTimeToLive() (reply, error) {
	var name, attribute string
	var enabled bool
	err := decode(c.body,
		must("TableName", tableName(&name)),
		must("TimeToLiveSpecification", structure("TimeToLiveSpecification",
			must("AttributeName", text(&attribute, lengthOf(1, maxKeyName))),
			must("Enabled", flag(&enabled)))))
	if err != nil {
		return nil, err
	}
	if err := c.admit(name); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.store.named(name)
	if err != nil {
		return nil, err
	}
	switch {
	case enabled && t.ttl != "":
		return nil, invalid("TimeToLive is already enabled")
	case !enabled && t.ttl == "":
		return nil, invalid("TimeToLive is already disabled")
	case !enabled && t.ttl != attribute:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case enabled:
		err = c.store.setTTL(t, attribute)
	default:
		err = c.store.setTTL(t, "")
	}
	if err != nil {
		return nil, err
	}
	return reply{"TimeToLiveSpecification": reply{"AttributeName": attribute, "Enabled": enabled}}, nil
}

func (c *call) describeTimeToLive() (reply, error) {
	return c.described(func(t *table) reply {
		description := reply{"TimeToLiveStatus": "DISABLED"}
		if t.ttl != "" {
			description = reply{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
		}
		return reply{"TimeToLiveDescription": description}
	})
}
