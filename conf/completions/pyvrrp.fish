# Made by conf/make.py.
complete --command pyvrrp --no-files --arguments "(env _PYVRRP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=(commandline -cp) pyvrrp)" --condition "env _PYVRRP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=is-args _TYPER_COMPLETE_ARGS=(commandline -cp) pyvrrp"
