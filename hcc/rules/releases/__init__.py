"""CMS's releases, in every shape they come in, turned into folders of mappings/."""
