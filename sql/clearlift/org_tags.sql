-- One row a data tag of an organisation, and whether it is active.
select short_tag as tag, is_active as active from org_tag_mappings order by short_tag
