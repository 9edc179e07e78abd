-- In the order of the references, children first.
drop table invitations;

drop table org_tag_mappings;

drop table platform_connections;

drop table organization_members;

drop table organizations;

drop table sessions;

drop table users;
